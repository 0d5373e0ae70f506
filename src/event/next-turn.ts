/** Resolves once the event loop has seen to everything else that waited. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
