import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { PageCursors } from '../../gateway/page-cursor.ts'

it.each(['short', 'k'.repeat(64), 'longer than a block '.repeat(9)])(
  'a token carries the HMAC-SHA-256 of its content (secret %j)',
  (secret) => {
    const token = new PageCursors(secret).encode({ listId: 'list-1', offset: 10, shown: [1, 2, 3] }, 'ünä', 'home')
    const bytes = Buffer.from(token, 'base64url')
    const expected = createHmac('sha256', secret).update('3:ünähome\n').update(bytes.subarray(16)).digest().subarray(0, 16)
    expect(bytes.subarray(0, 16)).toEqual(expected)
  },
)

it('a token of another secret, person or surface is refused', () => {
  const cursors = new PageCursors('one')
  const position = { listId: 'list-1', offset: 10, shown: [1, 2, 3] }
  const token = cursors.encode(position, 'ann', 'home')
  expect(cursors.decode(token, 'ann', 'home')).toEqual(position)
  expect(() => new PageCursors('two').decode(token, 'ann', 'home')).toThrow('was not made for this list')
  expect(() => cursors.decode(token, 'bob', 'home')).toThrow('was not made for this list')
  expect(() => cursors.decode(token, 'ann', 'cart')).toThrow('was not made for this list')
})
