import type { Prng } from '../prng.ts';
import type { SimulatedFile } from './file.ts';

export type Node = SimulatedFile | SimulatedDirectory;

/** One step of a directory: a name goes, a name comes, or, in a rename, both at once. */
export interface DirectoryChange {
  readonly removes?: string;
  readonly adds?: { readonly name: string; readonly node: Node };
  /** The other half of a rename to another directory: what has left here is there at least. */
  readonly needs?: { readonly directory: SimulatedDirectory; readonly change: DirectoryChange };
}

/** A directory of a simulated disk: its names as processes see them, and as the disk has them. */
export class SimulatedDirectory {
  readonly ino: number;
  mtimeMs = 0;
  readonly #cached = new Map<string, Node>();
  readonly #durable = new Map<string, Node>();
  /** In the order in which they were made. */
  readonly #pending = new Set<DirectoryChange>();

  constructor(ino: number) {
    this.ino = ino;
  }

  get names(): string[] {
    return [...this.#cached.keys()];
  }

  get durableNames(): string[] {
    return [...this.#durable.keys()];
  }

  get(name: string): Node | undefined {
    return this.#cached.get(name);
  }

  getDurable(name: string): Node | undefined {
    return this.#durable.get(name);
  }

  nodes(): Iterable<Node> {
    return this.#cached.values();
  }

  /** Whatever may be in the directory after the power went. */
  *possibleNodes(): Generator<Node> {
    yield* this.#cached.values();
    yield* this.#durable.values();
    for (const { adds } of this.#pending) if (adds) yield adds.node;
  }

  apply(change: DirectoryChange): void {
    applyTo(this.#cached, change);
    this.#pending.add(change);
  }

  /** The changes that a sync, begun now, makes durable. */
  get pending(): readonly DirectoryChange[] {
    return [...this.#pending];
  }

  makeDurable(changes: readonly DirectoryChange[]): void {
    for (const change of changes) {
      if (!this.#pending.delete(change)) continue;
      change.needs?.directory.makeDurable([change.needs.change]);
      applyTo(this.#durable, change);
    }
  }

  /** Makes those changes durable that reach the disk though nothing was synced. */
  survive(prng: Prng): void {
    const mood = prng.pick(['nothing', 'everything', 'the first', 'some'] as const);
    if (mood === 'nothing') return;
    const { pending } = this;
    const count = prng.integer(pending.length + 1);
    this.makeDurable(
      pending.filter((_, index) => {
        if (mood === 'everything') return true;
        return mood === 'some' ? prng.chance(1 / 2) : index < count;
      }),
    );
  }

  /** The power went: what was not durable by now never was. */
  forgetPending(): void {
    this.#pending.clear();
    this.#cached.clear();
    for (const [name, node] of this.#durable) this.#cached.set(name, node);
  }
}

function applyTo(names: Map<string, Node>, change: DirectoryChange): void {
  if (change.removes !== undefined) names.delete(change.removes);
  if (change.adds) names.set(change.adds.name, change.adds.node);
}
