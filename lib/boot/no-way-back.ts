import { CommandError } from "../tools/text/errors.ts";

/** The previous generation cannot be restored, and another boot would fail the same way. */
export class NoWayBack extends CommandError {
  override readonly name = "NoWayBack";
}
