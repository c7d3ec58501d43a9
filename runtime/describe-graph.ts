import { type Graph, inputsOf, type Node } from './graph.ts'

/**
 * A graph as text, one line per node in order of definition: the golden form (test/golden/) and what `topologies describe`
 * prints.
 */
export function describeGraph(graph: Graph): string {
  const lines = graph.nodes.map((node) => {
    const inputs = inputsOf(node)
    return `  ${kindOf(node).padEnd(7)} ${labelOf(node)}${inputs.length > 0 ? `  <- ${inputs.join(', ')}` : ''}`
  })
  return [`topology ${graph.name}`, ...lines, ''].join('\n')
}

/** A graph as a Mermaid flowchart. */
export function graphAsMermaid(graph: Graph): string {
  const names = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]))
  const lines = ['flowchart LR']
  for (const node of graph.nodes) {
    const name = names.get(node.id)
    const label = labelOf(node)
    lines.push(node.kind === 'step' || node.kind === 'merge' ? `  ${name}["${label}"]` : `  ${name}[("${label}")]`)
    for (const input of inputsOf(node)) lines.push(`  ${names.get(input)} --> ${name}`)
  }
  return `${lines.join('\n')}\n`
}

/** A graph as plain data, for JSON. */
export function graphAsData(graph: Graph): {
  name: string
  nodes: { id: string; kind: string; topic?: string; inputs: readonly string[] }[]
} {
  return {
    name: graph.name,
    nodes: graph.nodes.map((node) => ({
      id: node.id,
      kind: node.kind,
      ...(node.kind === 'source' || node.kind === 'table'
        ? { topic: node.topic }
        : node.kind === 'sink'
          ? { topic: node.target }
          : {}),
      inputs: inputsOf(node),
    })),
  }
}

function kindOf(node: Node): string {
  return node.kind
}

function labelOf(node: Node): string {
  switch (node.kind) {
    case 'source':
      return node.topic
    case 'table':
      return node.topic
    case 'sink':
      return node.target
    default:
      return node.id
  }
}
