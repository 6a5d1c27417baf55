import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Loads a library of native code when it is used first: few processes need any. */
export function nativeLibrary(name: 'snappy' | 'lz4-napi'): unknown {
  // Their allocator keeps 32 MiB for each thread of the pool that has ever run one of them, unless
  // it has to give back at once what is free.
  process.env['MIMALLOC_PURGE_DELAY'] ??= '0';
  return require(name);
}
