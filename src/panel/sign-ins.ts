let channel: BroadcastChannel | undefined;

/** One for both: what a page says itself it does not hear. */
function open(): BroadcastChannel {
  channel ??= new BroadcastChannel("orchestra-sign-ins");
  return channel;
}

/** Tells the other tabs that this browser has a cookie now. */
export function announceSignIn(): void {
  open().postMessage(undefined);
}

/** Calls `handler` when somebody has signed in in another tab. */
export function onSignInElsewhere(handler: () => void): void {
  open().addEventListener("message", handler);
}
