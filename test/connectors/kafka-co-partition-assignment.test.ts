import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type AssignmentMember, coPartitionAssignment } from '../../connectors/kafka/co-partition-assignment.ts'

const partitionCount = fc.integer({ min: 0, max: 40 })
const members = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 9 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({ id: fc.constant(id), owned: fc.array(fc.integer({ min: -2, max: 45 }), { maxLength: 12 }) }),
      ),
    ),
  )
const shareOf = (assignment: Map<string, number[]>) => [...assignment.values()].map((partitions) => partitions.length)
const asMembers = (assignment: Map<string, number[]>): AssignmentMember[] => [...assignment].map(([id, owned]) => ({ id, owned }))

it('coPartitionAssignment gives every partition to exactly one member, and shares that differ by at most one', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, count) => {
      const assignment = coPartitionAssignment(group, count)
      expect([...assignment.keys()].sort()).toEqual(group.map(({ id }) => id).sort())
      expect([...assignment.values()].flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, p) => p))
      const shares = shareOf(assignment)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }),
  )
})

it('coPartitionAssignment answers the same for any order of members and of what they owned', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, count) => {
      const reversed = group.toReversed().map(({ id, owned }) => ({ id, owned: owned.toReversed() }))
      expect([...coPartitionAssignment(reversed, count)].sort()).toEqual([...coPartitionAssignment(group, count)].sort())
    }),
  )
})

it('coPartitionAssignment moves nothing when nobody came or left', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, count) => {
      const first = coPartitionAssignment(group, count)
      expect(coPartitionAssignment(asMembers(first), count)).toEqual(first)
    }),
  )
})

it('coPartitionAssignment moves to a newcomer only its share, and of a leaver only what it had', () => {
  fc.assert(
    fc.property(members, partitionCount, (group, count) => {
      const before = coPartitionAssignment(group, count)
      const moved = (after: Map<string, number[]>) =>
        [...before].flatMap(([id, owned]) => owned.filter((partition) => !(after.get(id) ?? []).includes(partition)))
      const joined = coPartitionAssignment([...asMembers(before), { id: 'a newcomer with a long name', owned: [] }], count)
      expect(moved(joined).sort()).toEqual([...joined.get('a newcomer with a long name')!].sort())

      const [leaver, ...rest] = asMembers(before)
      if (rest.length === 0) return
      expect(moved(coPartitionAssignment(rest, count)).sort()).toEqual([...leaver!.owned].sort())
    }),
  )
})

it('coPartitionAssignment gives a partition that two members claim to one of them', () => {
  const both = [
    { id: 'b', owned: [0, 1] },
    { id: 'a', owned: [1, 2] },
  ]
  const assignment = coPartitionAssignment(both, 4)
  expect(assignment.get('a')).toEqual([1, 2])
  expect(assignment.get('b')).toEqual([0, 3])
})
