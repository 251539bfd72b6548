// @ts-check
/** What the mock pod holds. */

export const sample_words = [
  ..."anchor birch candle drift ember fable garden harbor island juniper kettle lantern".split(" "),
  ..."meadow nectar orchard pebble quartz river saddle timber umbrella velvet willow zephyr".split(" "),
];

/** @type {[string, string][]} */
export const sample_documents = [
  [
    "Plans for the garden",
    [
      "# Beds",
      "",
      "Tomatoes along the south wall, **beans** behind them, and a row of *calendula* for the bees.",
      "",
      "- dig the second bed before the frost",
      "- ask Noor for the good compost",
      "- [seed list](seeds.md), sorted by month",
      "",
      "> Plant the pear tree in autumn, when the soil is still warm.",
      "",
      "## Water",
      "",
      "The barrel holds `200 l`. Two weeks without rain are fine, three are not.",
      "",
    ].join("\n"),
  ],
  [
    "Letter to Ines",
    "Dear Ines,\n\nthe rhizomes you sent have all come up.\n\nIt turns out that one needs no centre at all to grow.\n",
  ],
  ["רשימת קניות", "# לשבת\n\n- חלה\n- זיתים ירוקים\n- tomatoes (6)\n- قهوة بالهيل\n"],
  ["Tea, a ranking", "1. Sencha, second flush\n2. Assam with milk\n3. Mint from the garden, if the cat left any\n"],
  ["Reading list", "- A Thousand Plateaus\n- The Mushroom at the End of the World\n- Entangled Life\n"],
  ["Trip to the lake", "Train at 7:12, back at 18:40. Bring the small tent and the blue rope.\n"],
  ["Ideas", ""],
];
