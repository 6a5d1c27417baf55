import { MillraceError } from '../core/errors.ts';

/** What the client does itself about an answer of this class, before anybody sees it. */
type Reaction = 'fail-over' | 'retry' | 'fail';

interface Meaning {
  readonly reaction: Reaction;
  /** May the same call succeed later? */
  readonly retryable: boolean;
}

const failOver: Meaning = { reaction: 'fail-over', retryable: true };
const retry: Meaning = { reaction: 'retry', retryable: true };
const later: Meaning = { reaction: 'fail', retryable: true };
const never: Meaning = { reaction: 'fail', retryable: false };

/** By the class's name without its package. What is not here may succeed later. */
const meanings: Readonly<Record<string, Meaning>> = {
  StandbyException: failOver,
  ObserverRetryOnActiveException: failOver,
  RetriableException: retry,
  SafeModeException: retry,
  RetryStartFileException: retry,
  LeaseExpiredException: never,
  AlreadyBeingCreatedException: later,
  RecoveryInProgressException: later,
  NotReplicatedYetException: later,
  FileAlreadyExistsException: never,
  PathIsNotEmptyDirectoryException: never,
  FileNotFoundException: never,
  ParentNotDirectoryException: never,
  UnresolvedPathException: never,
  InvalidPathException: never,
  AccessControlException: never,
  AuthorizationException: never,
  InvalidToken: later,
  NSQuotaExceededException: never,
  DSQuotaExceededException: never,
  QuotaByStorageTypeExceededException: never,
  HadoopIllegalArgumentException: never,
  UnsupportedOperationException: never,
  RpcNoSuchMethodException: never,
  RpcNoSuchProtocolException: never,
  VersionMismatch: never,
  AssertionError: never,
};

/** A NameNode or DataNode said no. */
export class RemoteError extends MillraceError {
  readonly code = 'HDFS_REMOTE';
  readonly retryable: boolean;
  /** `127.0.0.1:8020` */
  readonly peer: string;
  /** The Java class of the exception: `org.apache.hadoop.ipc.StandbyException`. */
  readonly remoteClass: string;
  /** Not a property, lest it be printed wherever the error is. */
  readonly #detail: string;

  constructor(what: string, peer: string, remoteClass: string, detail: string) {
    super(`${what}: ${shortName(remoteClass)}: ${firstLine(detail)}`);
    this.peer = peer;
    this.remoteClass = remoteClass;
    this.#detail = detail;
    this.retryable = this.#meaning.retryable;
  }

  /** All that the peer said: most often a Java stack trace. */
  get detail(): string {
    return this.#detail;
  }

  get reaction(): Reaction {
    return this.#meaning.reaction;
  }

  /** Whether the class has this name, without its package. */
  is(name: string): boolean {
    return shortName(this.remoteClass) === name;
  }

  get #meaning(): Meaning {
    return meanings[shortName(this.remoteClass)] ?? later;
  }
}

/** Whether an error is the peer's answer of this class. */
export function isRemote(error: unknown, name: string): boolean {
  return error instanceof RemoteError && error.is(name);
}

/** The cluster or the file needs what this client does not do. */
export class UnsupportedError extends MillraceError {
  readonly code = 'HDFS_UNSUPPORTED';
  readonly retryable = false;
}

function shortName(remoteClass: string): string {
  return remoteClass.replace(/^.*[.$]/, '');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
