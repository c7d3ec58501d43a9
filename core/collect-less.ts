import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 count buffers with the rest of its heap. By default it marks the whole heap each time buffers have grown by some 64 MiB,
 * live or dead, and our batches come and go as buffers: several full collections a second, for nothing. With it the heap's own
 * growth decides, so memory stays bound by what lives. Call it once, as a process starts.
 */
export function collectLess(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit')
}
