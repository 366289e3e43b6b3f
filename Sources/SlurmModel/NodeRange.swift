// SPDX-License-Identifier: Apache-2.0

/// The ends of how many nodes a job that is in the queue may get, as slurmctld keeps them: one by one.
struct NodeRange: Equatable {
    var minimum: Int
    /// Nil where none was said.
    private(set) var maximum: Int?
    /// Whether Slurm may choose the maximum. Of two states of a job one may have a maximum and the other none.
    private(set) var isOpen: Bool

    init(minimum: Int, maximum: Int?) {
        self.minimum = minimum
        self.maximum = maximum
        isOpen = maximum == nil
    }

    /// One end alone says nothing of the other.
    mutating func put(_ end: JobUpdate.NodeEnd) {
        switch end {
        case .minimum(let count): minimum = count
        case .maximum(let count): self = NodeRange(minimum: minimum, maximum: count)
        }
    }

    /// The larger of each end.
    func largest(_ other: NodeRange) -> NodeRange {
        var result = self
        result.minimum = max(minimum, other.minimum)
        result.maximum = [maximum, other.maximum].compactMap(\.self).max()
        result.isOpen = isOpen || other.isOpen
        return result
    }

    /// What is judged: of ends that contradict each other the larger, and where Slurm chooses a node for each task, GPU and named
    /// node.
    /// - Returns: nil where nothing was said.
    func count(for request: JobRequest) -> NodeCount? {
        guard maximum != nil || minimum > 1 else { return nil }
        let chosen = isOpen ? max(request.tasks ?? 1, request.gpus?.total ?? 1) : 1
        return NodeCount(
            minimum: minimum,
            maximum: max(minimum, maximum ?? 1, chosen, request.requiredNodes?.names.count ?? 1))
    }
}
