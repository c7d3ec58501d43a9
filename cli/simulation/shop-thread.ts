import { parentPort, workerData } from 'node:worker_threads'
import { type ShopJob, simulateShop } from './simulate-shop.ts'

// The program of one worker thread: one shop from its first event to its last, then its result as the only message.

parentPort?.postMessage(await simulateShop(workerData as ShopJob))
