import { dialog } from "../page.ts";
import { CancelDialog } from "./cancel-dialog.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { SettingsDialog } from "./settings-dialog.tsx";
import { SignInDialog } from "./sign-in-dialog.tsx";

export function Dialogs() {
  const open = dialog.value;
  switch (open?.kind) {
    case "help":
      return <HelpDialog />;
    case "settings":
      return <SettingsDialog />;
    case "sign-in":
      return <SignInDialog {...open} />;
    case "cancel":
      return <CancelDialog key={open.jobId} {...open} />;
    default:
      return null;
  }
}
