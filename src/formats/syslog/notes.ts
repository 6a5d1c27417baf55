/** What the reference pages of syslogtcp and syslogudp say of the parser that they share. */
export const sharedParserNotes = `| header | value |
|---|---|
| \`Facility\`, \`Severity\` | from the priority; 0 when there is none |
| \`priority\`, \`version\` | as they stand in the message |
| \`timestamp\` | ms since 1970 |
| \`host\` | as it stands in the message |
| \`flume.syslog.status\` | \`Invalid\`: it has no priority; \`Incomplete\`: not all of it came |

A message is \`<PRI>[version] time host text\`, with a time as in RFC 5424 or RFC 3164. The text is
the body; tags, app names and structured data are part of it. If the text is empty, or the message
has a priority but neither format, the body is the whole message. No byte of it is changed.

Times are read as Flume reads them. One of RFC 3164 is local, in the year that puts it less than a
month ahead. One of RFC 5424 without a fraction is in its zone. **One with a fraction is local,
whatever its zone says, and up to three digits of the fraction count as milliseconds: \`.5\` is 5
ms.** Where that matters, multiport_syslogtcp reads it right.

Not as in Flume: \`priority\` and \`version\` are never those of an earlier message, and
\`priority\` is there whenever the message has one. A CR, or a line separator of Unicode, in the
text does not keep the message from being parsed. Bytes that are no text in the platform's charset
stay as they are. Where \`keepFields\` keeps a host or time that the message does not have, its
\`-\` is kept, not the word null.`;

/** What the pages of the sources over TCP say of framing. */
export const framingNotes = `Messages end with LF, CR LF or NUL; or their octets are counted (RFC
6587, as rsyslog and syslog-ng send on demand): a connection that begins with digits, a blank,
\`<\` and a digit counts octets from then on. After a wrong count the rest of that message is an
event of its own, and the next frame is found again. A message that reaches \`eventSize\` is cut
there, marked \`Incomplete\` and counted in \`LineTooLongCount\`; what is left of it is a message
of its own. \`Invalid\` ones are delivered, and counted in \`EventReadFail\`.

A full channel makes the senders wait: nothing is dropped while the agent runs. Syslog has no
acknowledgement, so a crash loses what was sent and is still in memory.`;
