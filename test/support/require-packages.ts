import { installLine } from "../../lib/make/build/required-packages.ts";
import { missingUnitPackages } from "./setup.ts";

// loaded before each run of `bun test` (bunfig.toml), whose first test file is Bun.main; the other rings install what they need
const missing = Bun.main.includes("/test/unit/") ? missingUnitPackages() : [];
if (missing.length > 0) {
  process.stderr.write(`The unit tests lack Debian packages, run: ${installLine(missing)}\n`);
  process.exit(1);
}
