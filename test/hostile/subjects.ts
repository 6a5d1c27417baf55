/** The sources that listen on TCP, and how a good client speaks to each. */
export interface Subject {
  readonly type: string;
  /** Its lines of the configuration, without the prefix. */
  readonly properties: (port: number) => Readonly<Record<string, string | number>>;
  /** A message, whole. */
  readonly message: (text: string) => string;
  /** Is each message answered with OK or FAILED? */
  readonly answers: boolean;
  /** How much of a line without end is sent; what is not cut off takes its time. */
  readonly endlessMegabytes: number;
}

const syslogMessage = (text: string) => `<13>Nov 24 10:00:00 host ${text}\n`;

export const netcat: Subject = {
  type: 'netcat',
  properties: (port) => ({ bind: '127.0.0.1', port }),
  message: (text) => `${text}\n`,
  answers: true,
  endlessMegabytes: 1_000,
};

export const subjects: readonly Subject[] = [
  netcat,
  {
    type: 'syslogtcp',
    properties: (port) => ({ host: '127.0.0.1', port }),
    message: syslogMessage,
    answers: false,
    endlessMegabytes: 1_000,
  },
  {
    type: 'multiport_syslogtcp',
    properties: (port) => ({ host: '127.0.0.1', ports: port }),
    message: syslogMessage,
    answers: false,
    endlessMegabytes: 200,
  },
];
