/** What a process that runs JavaScript holds, in bytes. */
export interface MemoryReading {
  rss: number;
  /** Of the heap, what is taken by objects, and all that the engine keeps for it. */
  heapUsed: number;
  heapTotal: number;
}

const MIB = 2 ** 20;

/**
 * What is in use, in MB: all but the room in the heap that is free for the next objects of whomever. OpenCode itself
 * leaves 100 to 150 MB of that behind as it starts, by when the engine happens to collect.
 */
export function usedMb({ rss, heapUsed, heapTotal }: MemoryReading): number {
  return (rss - (heapTotal - heapUsed)) / MIB;
}

export function rssMb({ rss }: MemoryReading): number {
  return rss / MIB;
}

export function heapMb({ heapUsed }: MemoryReading): number {
  return heapUsed / MIB;
}
