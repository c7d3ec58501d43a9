import type { PartitionAssigner } from 'kafkajs'
import { coPartitionAssignment } from './co-partition-assignment.ts'
import { kafkajs } from './kafkajs.ts'

const protocolName = 'millrace-co-partition'
const protocolVersion = 1

/**
 * The group protocol that gives partition p of every topic of the group to one member, see `coPartitionAssignment`. `owned` is asked
 * at each join, so a rebalance moves as few partitions as it can.
 */
export function coPartitionAssignor(owned: () => readonly number[]): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol
  return ({ cluster }) => ({
    name: protocolName,
    version: protocolVersion,
    async assign({ members, topics }) {
      const partitionCount = Math.max(0, ...topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length))
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        owned: ownedOf(MemberMetadata.decode(memberMetadata)?.userData),
      }))
      return [...coPartitionAssignment(claims, partitionCount)].map(([memberId, partitions]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: protocolVersion,
          assignment: Object.fromEntries(topics.map((topic) => [topic, partitions])),
          userData: Buffer.alloc(0),
        }),
      }))
    },
    protocol({ topics }) {
      return {
        name: protocolName,
        metadata: MemberMetadata.encode({
          version: protocolVersion,
          topics: [...topics],
          userData: Buffer.from(new Int32Array(owned()).buffer),
        }),
      }
    },
  })
}

/** Little-endian 32-bit partition numbers; anything else is read as nothing owned. */
function ownedOf(userData: Buffer | undefined): number[] {
  if (!userData || userData.length % 4 !== 0) return []
  const owned: number[] = []
  for (let at = 0; at < userData.length; at += 4) owned.push(userData.readInt32LE(at))
  return owned
}
