import { MillraceError } from '../../core/errors.ts'
import type { AgeGroup } from '../../schemas/user-profile.ts'
import { firstSight } from './first-sight.ts'
import type { ImportFormat } from './import-format.ts'
import { eventRecord, idFault, itemRecord, rowEventId, timeFault, userRecord } from './import-records.ts'
import { type InputFile, listInputFiles } from './input-files.ts'
import { ColumnNames, mapFiles, type RowMapper, type TableReader } from './map-files.ts'
import { sortByTime } from './sort-by-time.ts'
import { startReading } from './start-reading.ts'

const genresOfUItem = (
  "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery " +
  'Romance Sci-Fi Thriller War Western'
).split(' ')

/** The files of the data set by what they hold: RecBole's, those of 100K, of 1M, and of 20M and later. */
const kinds = {
  users: /\.user(\.tsv)?$|^u\.user$|^users\.dat$/,
  items: /\.item(\.tsv)?$|^u\.item$|^movies\.(dat|csv)$/,
  ratings: /\.inter(\.tsv)?$|^u\.data$|^ratings\.(dat|csv)$/,
} as const

/**
 * MovieLens in all its shapes: a folder or one ratings file. Users and movies come first, then the ratings in time order (they
 * are not in the file; `order: 'file'` leaves them as they are). Genres become the category, each its own level; half stars below
 * 1 count as 1. Ages become bands; occupation and zip code are left out.
 */
export const movielens: ImportFormat = {
  name: 'movielens',
  summary: 'MovieLens ratings with movies, genres, ages and genders, sorted by time.',
  accepts:
    'a folder with *.inter, *.item, *.user (RecBole), u.data, u.item, u.user, ratings.dat, movies.dat, users.dat or ratings.csv, movies.csv; ' +
    'or one ratings file; gzip or not',
  options: ['order', 'sortRowsMax'],
  read(path, options = {}) {
    return startReading(path, options, async function* (tally) {
      const any = new RegExp(
        Object.values(kinds)
          .map(({ source }) => source)
          .join('|'),
      )
      const files = await listInputFiles(path, any, 'MovieLens file (*.inter, u.data, ratings.csv, ratings.dat)')
      const ofKind = (kind: keyof typeof kinds): InputFile[] => files.filter(({ name }) => kinds[kind].test(name))
      // One file given by itself under another name is taken for ratings.
      const ratings = ofKind('ratings').length === 0 && files.length === 1 ? files : ofKind('ratings')
      if (ratings.length === 0 || ratings.length > 1)
        throw new MillraceError('MILL_IMPORT_INVALID', `"${path}" has ${ratings.length} ratings files; exactly one is needed`)
      const described = [...ofKind('users'), ...ofKind('items')].filter((file) => !ratings.includes(file))
      yield* firstSight(
        sortByTime(
          mapFiles([...described, ...ratings], tally, (file) =>
            ratings.includes(file) ? ratingsReader(file) : kinds.users.test(file.name) ? usersReader(file) : itemsReader(file),
          ),
          options,
        ),
      )
    })
  },
}

function ratingsReader(file: InputFile): TableReader {
  const map = (user: number, item: number, rating: number, time: number): RowMapper => ratingMapper({ user, item, rating, time })
  const quoted = file.name.endsWith('.csv')
  const delimiter = quoted ? ',' : file.name.endsWith('.dat') ? '::' : '\t'
  return {
    syntax: { delimiter, quoted },
    start(first) {
      if (/^\d+$/.test(first[0]!)) return { isHeader: false, map: map(0, 1, 2, 3) }
      const columns = new ColumnNames(first, file)
      const at = [['user_id', 'userId'], ['item_id', 'movieId'], ['rating'], ['timestamp']].map((names) => columns.need(...names))
      return { isHeader: true, map: map(at[0]!, at[1]!, at[2]!, at[3]!) }
    },
  }
}

function ratingMapper(at: { user: number; item: number; rating: number; time: number }): RowMapper {
  return (fields, place, push) => {
    const userId = fields[at.user]
    const itemId = fields[at.item]
    const rating = Number(fields[at.rating] || Number.NaN)
    const timeMs = Number(fields[at.time] || Number.NaN) * 1000
    const fault = idFault('user id', userId) ?? idFault('item id', itemId) ?? timeFault('timestamp', fields[at.time], timeMs)
    if (fault !== null) return fault
    if (!(rating > 0 && rating <= 5)) return `rating "${fields[at.rating] ?? ''}" is not in 0.5–5`
    push(
      eventRecord({
        eventId: rowEventId('movielens', place, fields),
        ...{ userId: userId!, itemId: itemId!, type: 'rating', timeMs },
        rating: Math.max(1, rating),
      }),
    )
    return null
  }
}

function itemsReader(file: InputFile): TableReader {
  const isU = file.name === 'u.item'
  const isDat = file.name.endsWith('.dat')
  const isCsv = file.name.endsWith('.csv')
  return {
    syntax: {
      delimiter: isU ? '|' : isDat ? '::' : isCsv ? ',' : '\t',
      quoted: isCsv,
      encoding: isU || isDat ? 'latin1' : 'utf8',
    },
    start(first) {
      if (isU) return { isHeader: false, map: movieMapper({ id: 0, title: 1, year: -1, genres: genresOfFlags }) }
      if (isDat)
        return {
          isHeader: false,
          map: movieMapper({ id: 0, title: 1, year: -1, genres: (fields) => splitGenres(fields[2], '|') }),
        }
      const columns = new ColumnNames(first, file)
      const genres = columns.find('class', 'genres', 'genre')
      return {
        isHeader: true,
        map: movieMapper({
          id: columns.need('item_id', 'movieId'),
          title: columns.need('movie_title', 'title'),
          year: columns.find('release_year'),
          genres: (fields) => splitGenres(fields[genres], isCsv ? '|' : ' '),
        }),
      }
    },
  }
}

function movieMapper(at: {
  readonly id: number
  readonly title: number
  readonly year: number
  readonly genres: (fields: readonly string[]) => string[]
}): RowMapper {
  return (fields, _place, push) => {
    const itemId = fields[at.id]
    const fault = idFault('item id', itemId)
    if (fault !== null) return fault
    const written = fields[at.title]?.trim() ?? ''
    const year = Number((at.year >= 0 ? fields[at.year] : /\((\d{4})\)$/.exec(written)?.[1]) || Number.NaN)
    const genres = at.genres(fields)
    const title = at.year >= 0 && Number.isInteger(year) ? `${written} (${year})` : written
    // Years before 1970 would be negative times; a movie was there before anybody rated it, that is all that counts.
    const createdMs = year > 1970 ? Date.UTC(year, 0, 1) : 0
    push(itemRecord({ itemId: itemId!, title, category: genres.slice(0, 1), tags: genres, createdMs }))
    return null
  }
}

function genresOfFlags(fields: readonly string[]): string[] {
  return genresOfUItem.filter((_, index) => fields[5 + index] === '1')
}

function splitGenres(text: string | undefined, separator: string): string[] {
  return (text ?? '').split(separator).filter((genre) => genre !== '' && !genre.startsWith('(no genres'))
}

function usersReader(file: InputFile): TableReader {
  const isU = file.name === 'u.user'
  const isDat = file.name.endsWith('.dat')
  return {
    syntax: { delimiter: isU ? '|' : isDat ? '::' : '\t', quoted: false },
    start(first) {
      if (isU) return { isHeader: false, map: personMapper(0, 1, 2) }
      if (isDat) return { isHeader: false, map: personMapper(0, 2, 1) }
      const columns = new ColumnNames(first, file)
      return { isHeader: true, map: personMapper(columns.need('user_id'), columns.find('age'), columns.find('gender')) }
    },
  }
}

function personMapper(id: number, age: number, gender: number): RowMapper {
  return (fields, _place, push) => {
    const userId = fields[id]
    const fault = idFault('user id', userId)
    if (fault !== null) return fault
    const sex = fields[gender]
    push(
      userRecord({
        userId: userId!,
        ageGroup: ageGroupOf(Number(fields[age] || Number.NaN)),
        gender: sex === 'F' ? 'female' : sex === 'M' ? 'male' : null,
        updatedMs: 0,
      }),
    )
    return null
  }
}

function ageGroupOf(age: number): AgeGroup {
  if (!(age > 0)) return 'unknown'
  const bands = [
    [18, 'under_18'],
    [25, 'age_18_24'],
    [35, 'age_25_34'],
    [45, 'age_35_44'],
    [55, 'age_45_54'],
    [65, 'age_55_64'],
  ] as const
  return bands.find(([below]) => age < below)?.[1] ?? 'age_65_plus'
}
