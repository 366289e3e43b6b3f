// SPDX-License-Identifier: Apache-2.0

package import SallyModel
import SallyTransport

extension ClusterMachines {
    /// Those of `nodes` that Slurm may give jobs to, as far as the controller says: none where it does not answer or has no
    /// Slurm.
    package func usedBySlurm(_ nodes: [NodeName]) async -> [NodeName] {
        let script = """
            PATH=/usr/sbin:/usr/bin:/sbin:/bin
            for node; do scontrol --oneliner show node "$node" 2>/dev/null; done
            """
        let call = Invocation.script(script, arguments: nodes.map(\.rawValue), deadline: .seconds(30))
        let said = try? await transport().run(call, on: controller.name)  // one that does not answer gets no warning
        guard let shown = said else { return [] }
        let usable = shown.output.split(separator: "\n").compactMap { line -> String? in
            let line = String(line)
            guard let state = ProbeJob.value(of: "State", in: line), NodeState(state).isUsable else { return nil }
            return ProbeJob.value(of: "NodeName", in: line)
        }
        return nodes.filter { usable.contains($0.rawValue) }
    }
}

extension ClusterMachine {
    /// A machine of which only the name is known: the list of clusters has it no more.
    package init(gone name: NodeName) {
        self.init(name: name, role: .node, id: name.rawValue, address: name.rawValue, state: .down("removed"))
    }
}
