import { setDefaultTimeout } from "bun:test";
import { installLine } from "../../lib/make/build/required-packages.ts";
import { missingUnitPackages } from "./setup.ts";

// loaded before each run of `bun test` (bunfig.toml), whose first test file is Bun.main; the other rings install what they need
const isUnit = Bun.main.includes("/test/unit/");
const missing = isUnit ? missingUnitPackages() : [];
if (missing.length > 0) {
  process.stderr.write(`The unit tests lack Debian packages, run: ${installLine(missing)}\n`);
  process.exit(1);
}
// that of the ring, for a single file on a machine that is busy with something else
if (isUnit) setDefaultTimeout(20_000);
