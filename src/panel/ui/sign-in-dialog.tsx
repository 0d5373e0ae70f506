import { useSignal } from "@preact/signals";
import { BridgeError, bridge } from "../bridge-api.ts";
import { dialog } from "../page.ts";
import { UNREACHABLE } from "../text/link-text.ts";
import { closeDialog, Dialog } from "./dialog.tsx";

export interface SignInProps {
  /** What the token is needed for. */
  why: string;
  onSignedIn: () => void;
}

/** Trades the token for a cookie. The token itself is kept nowhere. */
export function SignInDialog({ why, onSignedIn }: SignInProps) {
  const token = useSignal("");
  const fault = useSignal("");
  const isAsking = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const asked = dialog.peek();
    isAsking.value = true;
    fault.value = "";
    try {
      await bridge.signIn(token.value.trim());
      // Who has turned away meanwhile does not want what this was needed for any more.
      if (dialog.peek() !== asked) return;
      closeDialog();
      onSignedIn();
    } catch (error) {
      fault.value = faultOf(error);
    } finally {
      isAsking.value = false;
    }
  };
  return (
    <Dialog title="Sign in">
      <form onSubmit={submit}>
        <p>{why}</p>
        <TokenField
          token={token.value}
          onToken={(text) => {
            token.value = text;
          }}
        />
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <div class="actions">
          <button type="button" onClick={closeDialog}>
            Not now
          </button>
          <button type="submit" class="primary" disabled={isAsking.value}>
            Sign in
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function TokenField({ token, onToken }: { token: string; onToken: (token: string) => void }) {
  return (
    <>
      <label class="stacked">
        Token
        <input
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="sign-in-help"
          onInput={({ currentTarget }) => onToken(currentTarget.value)}
        />
      </label>
      <p id="sign-in-help" class="muted">
        It is what ORCHESTRA_TOKEN says where the server runs, or what the server printed when it began
        without one. This browser keeps a cookie instead, for twelve hours.
      </p>
    </>
  );
}

function faultOf(error: unknown): string {
  if (!(error instanceof BridgeError)) return UNREACHABLE;
  return error.status === 401 ? "That is not this server's token." : error.message;
}
