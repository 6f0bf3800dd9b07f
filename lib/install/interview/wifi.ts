import type { WifiNetwork } from "../../config/schema.ts";
import { isComposed, isSet, type Step, withK3os } from "./step.ts";

export const wifi: Step = {
  skip: (known) => !isComposed(known) || isSet(known.config.k3os?.wifi),
  ask: async ({ config }, asker) => {
    const networks: WifiNetwork[] = [];
    let question = "Configure WiFi?";
    while (await asker.confirm(question)) {
      const name = await asker.text("Name of the WiFi network", nameProblem);
      const passphrase = await asker.secret("Its passphrase (nothing: it is open)", passphraseProblem);
      networks.push(passphrase === "" ? { name } : { name, passphrase });
      question = "Configure another WiFi network?";
    }
    return networks.length === 0 ? {} : { config: withK3os(config, { wifi: networks }) };
  },
};

/** IEEE 802.11: an SSID has up to 32 octets. */
export function nameProblem(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  return bytes >= 1 && bytes <= 32 ? undefined : `Expected 1 to 32 bytes, found ${bytes}`;
}

/** IEEE 802.11i, H.4: 8 to 63 printable ASCII characters, or the key that would be made of them, 64 digits. */
export function passphraseProblem(passphrase: string): string | undefined {
  if (passphrase === "" || /^[ -~]{8,63}$/.test(passphrase) || /^[0-9a-f]{64}$/i.test(passphrase)) {
    return undefined;
  }
  return "Expected 8 to 63 ASCII characters, or 64 hexadecimal digits";
}
