/** Milliseconds between two drawings under load, and the longest wait where nothing is drawn. */
const BETWEEN_MS = 100;
const HIDDEN_MS = 500;

let last = 0;

/** Calls back before the page is next drawn, or soon when it is not drawn as nobody sees it. */
export function onNextFrame(callback: () => void): void {
  let isCalled = false;
  const call = () => {
    if (isCalled) return;
    isCalled = true;
    clearTimeout(timer);
    last = performance.now();
    callback();
  };
  const timer = setTimeout(call, HIDDEN_MS);
  const waitMs = last + BETWEEN_MS - performance.now();
  if (waitMs > 0) setTimeout(() => requestAnimationFrame(call), waitMs);
  else requestAnimationFrame(call);
}
