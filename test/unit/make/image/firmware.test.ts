import { describe, expect, test } from "bun:test";
import { selectFirmware } from "../../../../lib/make/image/firmware.ts";

const AVAILABLE = [
  "ath10k/QCA988X/board.bin",
  "brcm/brcmfmac43430-sdio.bin",
  "brcm/brcmfmac43430-sdio.raspberrypi,3.txt",
  "brcm/sub/brcmfmac43430-sdio.bin",
  "iwlwifi-so-a0-hr-b0-72.ucode",
  "iwlwifi-so-a0-hr-b0-89.ucode",
  "iwlwifi-so-a0-hr-b0-99.ucode",
];

describe("selectFirmware()", () => {
  test("takes the files that are named", () => {
    expect(selectFirmware(["ath10k/QCA988X/board.bin", "not/there.bin"], AVAILABLE)).toEqual([
      "ath10k/QCA988X/board.bin",
    ]);
  });

  test("takes all that a pattern matches in its directory", () => {
    expect(selectFirmware(["brcm/brcmfmac*-sdio.*"], AVAILABLE)).toEqual([
      "brcm/brcmfmac43430-sdio.bin",
      "brcm/brcmfmac43430-sdio.raspberrypi,3.txt",
    ]);
  });

  test("takes the newest older version where the named one is missing", () => {
    expect(selectFirmware(["iwlwifi-so-a0-hr-b0-96.ucode"], AVAILABLE)).toEqual([
      "iwlwifi-so-a0-hr-b0-89.ucode",
    ]);
  });

  test("takes no newer version than the driver knows", () => {
    expect(selectFirmware(["iwlwifi-so-a0-hr-b0-50.ucode"], AVAILABLE)).toEqual([]);
  });
});
