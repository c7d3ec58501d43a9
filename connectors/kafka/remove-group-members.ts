import type { Kafka } from 'kafkajs'
import { kafkaCluster } from './kafka-cluster.ts'
import { protocolErrorOf } from './kafka-error.ts'

/**
 * Makes members leave their group: a member whose process or connection died otherwise stays until its session ends, and every
 * rebalance waits for it. Members that the group does not know any more are no error.
 */
export async function removeGroupMembers(kafka: Kafka, group: string, memberIds: readonly string[]): Promise<void> {
  if (memberIds.length === 0) return
  const cluster = kafkaCluster(kafka)
  try {
    await cluster.connect()
    await cluster.refreshMetadata()
    const coordinator = await cluster.findGroupCoordinator({ groupId: group })
    for (const memberId of memberIds) {
      try {
        await coordinator.leaveGroup({ groupId: group, memberId })
      } catch (error) {
        if (protocolErrorOf(error) !== 'UNKNOWN_MEMBER_ID') throw error
      }
    }
  } finally {
    await cluster.disconnect()
  }
}
