import { expect, it } from 'vitest'
import { parseRedisUrl } from '../../connectors/redis/parse-redis-url.ts'

const plain = { isCluster: false, tls: false, username: undefined, password: undefined, db: 0 }

it.each([
  ['redis://localhost', { ...plain, nodes: [{ host: 'localhost', port: 6379 }] }],
  ['redis://10.0.0.7:7000/3', { ...plain, nodes: [{ host: '10.0.0.7', port: 7000 }], db: 3 }],
  ['rediss://cache.shop:6380', { ...plain, tls: true, nodes: [{ host: 'cache.shop', port: 6380 }] }],
  ['redis://:s%40fe@h:1', { ...plain, password: 's@fe', nodes: [{ host: 'h', port: 1 }] }],
  ['redis://me:secret@[::1]:7000', { ...plain, username: 'me', password: 'secret', nodes: [{ host: '::1', port: 7000 }] }],
  [
    'redis-cluster://a:1,b:2,c',
    {
      ...plain,
      isCluster: true,
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: 6379 },
      ],
    },
  ],
])('reads %s', (url, expected) => {
  expect(parseRedisUrl(url)).toEqual(expected)
})

it.each([
  'localhost:6379',
  'http://localhost',
  'redis://',
  'redis://a,b',
  'redis://a:0',
  'redis://a:99999',
  'redis://a:b',
  'redis-cluster://a/2',
  'redis-cluster://a,,b',
])('refuses %s', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'MILL_CONFIG_INVALID' }))
})

it('never repeats a password in its message', () => {
  expect(() => parseRedisUrl('redis://me:secret@a:b')).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') }),
  )
})
