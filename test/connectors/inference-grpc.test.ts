import { GrpcInference } from '../../connectors/grpc/inference.ts'
import { startInferenceServer } from '../../gpu-workers/inference-server.ts'
import { inferenceConformance } from '../conformance/inference.ts'

inferenceConformance('gRPC', {
  async open(repository) {
    const server = await startInferenceServer({ repository })
    await server.loaded
    const inference = await GrpcInference.connect({ addresses: [server.address] })
    return {
      inference,
      load: (model) => inference.load(model),
      async close() {
        await inference.close()
        await server.close()
      },
    }
  },
})
