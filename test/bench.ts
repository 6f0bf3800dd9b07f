import { createBuildContext } from "../lib/make/build/context.ts";
import { ensurePackages } from "../lib/make/build/required-packages.ts";
import { formatError } from "../lib/tools/text/errors.ts";
import { benchBoot } from "./bench/boot.ts";
import { benchCommands } from "./bench/commands.ts";
import { benchConfig } from "./bench/config.ts";
import { figureLine } from "./bench/figure.ts";
import { benchInstall } from "./bench/install.ts";
import { benchMetadata } from "./bench/metadata.ts";
import { benchSizes } from "./bench/sizes.ts";
import { benchUpgrade } from "./bench/upgrade.ts";
import { benchUpgradeBytes } from "./bench/upgrade-bytes.ts";
import { TEST_PACKAGES } from "./support/setup.ts";

const BENCHMARKS = {
  sizes: benchSizes,
  commands: benchCommands,
  config: benchConfig,
  metadata: benchMetadata,
  install: benchInstall,
  upgrade: benchUpgrade,
  downloads: benchUpgradeBytes,
  boot: benchBoot,
};

const USAGE = `Usage: npm run bench [-- NAME...]

Measures dist/artifacts (made by "npm run build") against plain tools, side by side.
Names: ${Object.keys(BENCHMARKS).join(", ")}; default: all.
`;

/** A missed aim is told, not a failure: the figures depend on the machine. */
async function main(names: readonly string[]): Promise<number> {
  const wanted = Object.entries(BENCHMARKS).filter(([name]) => names.length === 0 || names.includes(name));
  if (names.some((name) => !Object.hasOwn(BENCHMARKS, name))) {
    process.stderr.write(USAGE);
    return 2;
  }
  const context = createBuildContext();
  await ensurePackages(TEST_PACKAGES, context.host);
  let failures = 0;
  for (const [name, measure] of wanted) {
    try {
      for (const figure of await measure(context)) process.stdout.write(`${figureLine(figure)}\n`);
    } catch (error) {
      failures++;
      process.stderr.write(`${name}: ${formatError(error)}\n`);
    }
  }
  return failures === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
