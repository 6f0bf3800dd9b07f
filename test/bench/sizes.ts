import { statSync } from "node:fs";
import { join } from "node:path";
import type { BuildContext } from "../../lib/make/build/context.ts";
import { hostTarget } from "../../lib/tools/host/targets.ts";
import type { Figure } from "./figure.ts";

const MEGABYTE = 1e6;

/** Sizes of what is downloaded and loaded. */
export async function benchSizes({ artifacts, host }: BuildContext): Promise<Figure[]> {
  const { arch } = hostTarget();
  const size = (name: string) => statSync(join(artifacts, name)).size / MEGABYTE;
  const iso = join(artifacts, `k3os-${arch}.iso`);
  const find = ["xorriso", "-indev", iso, "-find", "/", "-wholename", "/k3os/system/k3s/*/k3s", "-type", "f"];
  const { stdout } = await host.run([...find, "-exec", "lsdl"]);
  const k3s = Number(/^-\S+\s+\d+\s+\S+\s+\S+\s+(\d+)/m.exec(stdout)?.[1] ?? 0) / MEGABYTE;
  const detail = k3s === 0 ? "there is none in it" : `with it ${(size(`k3os-${arch}.iso`)).toFixed(1)} MB`;
  const figure = { unit: "MB", detail: "" } as const;
  return [
    { ...figure, name: "executable", value: size(`k3os-${arch}`), aim: undefined },
    { ...figure, name: "initrd", value: size(`k3os-initrd-${arch}`), aim: 60 },
    { ...figure, name: "ISO without k3s", value: size(`k3os-${arch}.iso`) - k3s, aim: 450, detail },
  ];
}
