import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { FILE } from "../../tools/host/paths.ts";
import { mount, mountImage, unmount } from "../../tools/host/sys.ts";

const IMAGE = join("/", FILE.networkDrivers);
const TARGET = "/run/k3os/drivers";

/**
 * Mounts the drivers of network cards over the initrd's /lib until the scope ends; modules loaded by then stay loaded.
 * In a foreign initrd the drivers may be missing: the kernel may have them built in.
 */
export function networkDrivers(): Disposable {
  if (!existsSync(IMAGE)) return { [Symbol.dispose]: () => undefined };
  mkdirSync(TARGET, { recursive: true });
  mountImage(IMAGE, TARGET, "squashfs");
  mount("drivers", "/lib", { type: "overlay", flags: ["ro"], data: `lowerdir=${TARGET}/lib:/lib` });
  return {
    [Symbol.dispose]: () => {
      for (const path of ["/lib", TARGET]) unmount(path, { lazy: true });
    },
  };
}
