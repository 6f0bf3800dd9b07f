import { CommandError } from "../tools/text/errors.ts";

/** A generation cannot be left for the one before it, and another start would find the same. */
export class NoWayBack extends CommandError {
  override readonly name = "NoWayBack";
}
