// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Which containers and partitions a template makes. Pure.
enum ClusterLayout {
    /// The number of the controller in the subnet; nodes have those after it.
    static let firstHost = 10

    static func containers(_ name: ClusterName, _ template: ClusterTemplate, subnet: Subnet) -> [ClusterRecord
        .Container]
    {
        let hosts = [NodeName(unchecked: "master")] + template.nodeNames
        return hosts.enumerated().map { index, host in
            ClusterRecord.Container(
                name: "sallyport-\(name)-\(host)", role: index == 0 ? .controller : .node, hostname: host,
                address: subnet.host(firstHost + index))
        }
    }

    static func partitions(_ template: ClusterTemplate) -> [PartitionName] {
        [PartitionName(unchecked: "debug")] + (template.gpuNodes > 0 ? [PartitionName(unchecked: "gpu")] : [])
    }
}
