import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { freePort } from '../../cli/services/free-port.ts'
import { ConfluentSchemaRegistry } from '../../connectors/registry/schema-registry.ts'
import { schemaRegistryConformance } from '../conformance/schema-registry.ts'
import { describeWithService } from './require-service.ts'

describeWithService('registry', 'Confluent schema registry', (address) => {
  schemaRegistryConformance('ConfluentSchemaRegistry', async () => new ConfluentSchemaRegistry({ urls: [address] }))

  it('goes to the next URL when the first does not answer', async () => {
    const silent = `http://127.0.0.1:${await freePort(0, 'nothing')}`
    const registry = new ConfluentSchemaRegistry({ urls: [silent, address], retriesMax: 0 })
    expect(await registry.latest('a-subject-nobody-has')).toBeNull()
    await registry.close()
  })

  it('says MILL_REGISTRY_UNAVAILABLE when nobody answers, or only with faults', async () => {
    const silent = new ConfluentSchemaRegistry({ urls: [`http://127.0.0.1:${await freePort(0, 'nothing')}`], retriesMax: 1 })
    await expect(silent.byId(1)).rejects.toMatchObject({ code: 'MILL_REGISTRY_UNAVAILABLE', reaction: 'retry' })
    await silent.close()

    let asked = 0
    const broken = createServer((_request, response) => {
      asked += 1
      response.statusCode = 503
      response.end('{"message":"down","error_code":50301}')
    })
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    const { port } = broken.address() as AddressInfo
    const faulty = new ConfluentSchemaRegistry({ urls: [`http://127.0.0.1:${port}`], retriesMax: 2 })
    await expect(faulty.register('subject', '"string"')).rejects.toMatchObject({ code: 'MILL_REGISTRY_UNAVAILABLE' })
    expect(asked).toBe(3) // Bounded: the first try and two more.
    await faulty.close()
    await new Promise((resolve) => broken.close(resolve))
  })
})
