/** A leaf of the shop's category tree. */
export interface CategoryLeaf {
  /** General first: 2 or 3 names. */
  readonly path: readonly string[]
  /** Kinds of product sold in it. */
  readonly nouns: readonly string[]
  /** Typical price. */
  readonly price: number
  /** Index of the leaf whose products are bought together with these. */
  readonly complement: number
  /** Index of the top category. */
  readonly top: number
}

/** Looks that people prefer or not; each item has one, named in its title and tags. */
export const styles = ['minimal', 'sporty', 'vintage', 'bold', 'classic', 'natural', 'playful', 'premium'] as const

/** Colours, without influence on anybody. */
export const colours = ['black', 'white', 'navy', 'olive', 'sand', 'red', 'teal', 'grey', 'copper', 'lilac'] as const

const tree: Readonly<Record<string, Readonly<Record<string, readonly [nouns: string, price: number, complement: string]>>>> = {
  Clothing: {
    'Women/Dresses': ['wrap dress|shirt dress|maxi dress', 59, 'Women/Shoes'],
    'Women/Shoes': ['ankle boots|ballerinas|sneakers', 79, 'Women/Dresses'],
    'Men/Shirts': ['oxford shirt|linen shirt|polo', 45, 'Men/Trousers'],
    'Men/Trousers': ['chinos|jeans|cargo trousers', 65, 'Men/Shirts'],
    Accessories: ['leather belt|scarf|felt hat', 29, 'Women/Dresses'],
  },
  Electronics: {
    'Audio/Headphones': ['over-ear headphones|earbuds|headset', 119, 'Computers/Keyboards'],
    'Audio/Speakers': ['bluetooth speaker|bookshelf speaker|soundbar', 159, 'Phones'],
    'Computers/Keyboards': ['mechanical keyboard|compact keyboard|number pad', 89, 'Computers/Mice'],
    'Computers/Mice': ['wireless mouse|trackball|gaming mouse', 49, 'Computers/Keyboards'],
    Phones: ['smartphone|phone case|charging dock', 349, 'Audio/Headphones'],
  },
  Home: {
    'Kitchen/Cookware': ['cast-iron pan|saucepan|stock pot', 55, 'Kitchen/Knives'],
    'Kitchen/Knives': ['chef knife|bread knife|paring knife', 69, 'Kitchen/Cookware'],
    'Living/Lighting': ['floor lamp|desk lamp|pendant lamp', 85, 'Living/Textiles'],
    'Living/Textiles': ['wool blanket|cushion|rug', 39, 'Living/Lighting'],
    Bedding: ['duvet cover|pillow|fitted sheet', 49, 'Living/Textiles'],
  },
  Sports: {
    'Running/Running Shoes': ['trail shoe|road shoe|racing flat', 119, 'Running/Sportswear'],
    'Running/Sportswear': ['running jacket|tights|technical shirt', 59, 'Running/Running Shoes'],
    'Outdoor/Tents': ['dome tent|tarp|tunnel tent', 219, 'Outdoor/Sleeping Bags'],
    'Outdoor/Sleeping Bags': ['down sleeping bag|sleeping mat|bivouac bag', 139, 'Outdoor/Tents'],
    Cycling: ['cycling helmet|bike light|pannier', 65, 'Running/Sportswear'],
  },
  Books: {
    'Fiction/Crime': ['crime novel|thriller|detective story', 14, 'Fiction/Science Fiction'],
    'Fiction/Science Fiction': ['space opera|dystopian novel|short stories', 15, 'Fiction/Crime'],
    'Non-fiction/Cooking': ['cookbook|baking book|fermentation guide', 28, 'Kitchen/Cookware'],
    'Non-fiction/Travel': ['travel guide|hiking atlas|city walks', 22, 'Outdoor/Tents'],
    Children: ['picture book|activity book|bedtime stories', 12, 'Construction'],
  },
  Beauty: {
    'Face/Skin Care': ['day cream|serum|cleansing gel', 32, 'Face/Make-up'],
    'Face/Make-up': ['lipstick|mascara|foundation', 24, 'Face/Skin Care'],
    'Body/Perfume': ['eau de parfum|cologne|body mist', 75, 'Body/Shaving'],
    'Body/Shaving': ['safety razor|shaving soap|trimmer', 38, 'Body/Perfume'],
    Hair: ['shampoo|hair oil|styling clay', 18, 'Face/Skin Care'],
  },
  Toys: {
    'Games/Board Games': ['strategy game|family game|card game', 39, 'Games/Puzzles'],
    'Games/Puzzles': ['jigsaw puzzle|wooden puzzle|brain teaser', 24, 'Games/Board Games'],
    'Play/Figures': ['knight figure|dinosaur set|space figure', 19, 'Construction'],
    'Play/Dolls': ['rag doll|doll house|doll pram', 35, 'Children'],
    Construction: ['building bricks|marble run|model railway', 49, 'Play/Figures'],
  },
  Garden: {
    'Plants/Seeds': ['vegetable seeds|wildflower mix|herb seeds', 8, 'Plants/Pots'],
    'Plants/Pots': ['terracotta pot|planter|hanging basket', 26, 'Plants/Seeds'],
    'Tools/Hand Tools': ['pruning shears|spade|hand fork', 34, 'Plants/Seeds'],
    'Tools/Watering': ['watering can|garden hose|sprinkler', 36, 'Tools/Hand Tools'],
    Grills: ['charcoal grill|gas grill|fire bowl', 189, 'Kitchen/Knives'],
  },
}

/** The top categories by index. */
export const topCategories: readonly string[] = Object.keys(tree)

/** All leaves, in a fixed order: a leaf is named by its index. */
export const categoryLeaves: readonly CategoryLeaf[] = buildLeaves()

function buildLeaves(): CategoryLeaf[] {
  const names = Object.values(tree).flatMap((leaves) => Object.keys(leaves))
  return Object.entries(tree).flatMap(([topName, leaves], top) =>
    Object.entries(leaves).map(([name, [nouns, price, complement]]) => ({
      path: [topName, ...name.split('/')],
      nouns: nouns.split('|'),
      price,
      complement: names.indexOf(complement),
      top,
    })),
  )
}
