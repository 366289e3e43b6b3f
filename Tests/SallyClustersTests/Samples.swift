// SPDX-License-Identifier: Apache-2.0

import SallyModel

@testable import SallyClusters

/// A template and a record to vary.
enum Samples {
    static let template = ClusterTemplate(
        release: .debian12, nodes: 2, cpusPerNode: 4, memoryPerNode: Mebibytes(4000), gpuNodes: 1,
        gpusPerNode: [.init(type: "a100", count: 2), .init(type: "v100", count: 1)],
        accounts: [AccountName(unchecked: "research"), AccountName(unchecked: "gpu")],
        gpuAccounts: [AccountName(unchecked: "gpu")], subnetPool: Subnet(base: 0x0ae7_0000, prefix: 16),
        socketGroup: nil)

    static func record(_ release: DebianRelease = .debian12, folder: ClusterFolder) -> ClusterRecord {
        let name = ClusterName(unchecked: "demo")
        let subnet = Subnet(base: 0x0ae7_0000, prefix: 24)
        return ClusterRecord(
            name: name, template: "demo", status: .running, release: release,
            containers: ClusterLayout.containers(name, template, subnet: subnet), network: "sallyport-demo",
            subnet: subnet, socket: folder.socket, socketGroup: 1000,
            tokenKey: .init(
                algorithm: release.tokenAlgorithm, path: "\(folder.keys)/key",
                kid: release == .debian13 ? "demo-1" : nil),
            serviceAccount: "sallyport", accounts: template.accounts, partitions: ClusterLayout.partitions(template),
            gpuAccounts: template.gpuAccounts, home: folder.home)
    }

    static func files(_ change: (inout ClusterTemplate) -> Void = { _ in }) -> SlurmFiles {
        var varied = template
        change(&varied)
        let name = ClusterName(unchecked: "demo")
        let containers = ClusterLayout.containers(name, varied, subnet: Subnet(base: 0x0ae7_0000, prefix: 24))
        return SlurmFiles(
            cluster: name, template: varied, controller: containers[0], nodes: Array(containers.dropFirst()))
    }
}
