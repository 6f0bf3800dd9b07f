import { expect, test } from "bun:test";
import { DATA_SOURCES } from "../../../../lib/config/schema/data-source-names.ts";
import { OFFER } from "../../../../lib/datasource/providers.ts";

test("DATA_SOURCES are the data sources that there are", () => {
  expect(DATA_SOURCES.toSorted()).toEqual(OFFER.providers.map(({ name }) => name).toSorted());
});
