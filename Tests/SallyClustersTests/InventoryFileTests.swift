// SPDX-License-Identifier: Apache-2.0

import SallyConfig
import SallyModel
import SallyTestSupport
import Testing

@testable import SallyClusters

@Suite struct InventoryFileTests {
    @Test func theClustersOfAFileAreReadAndTheRestIsLeftToOthers() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/clusters.yaml"
            try writeFile(
                path,
                """
                templates: {small: {nodes: 2}}
                clusters:
                  lab:
                    provider: inventory
                    login: root
                    identity_file: ~/k
                    known_hosts: ~/h
                    nodes: [{name: master, address: 10.1.0.10, role: controller}]
                """)
            let found = try Inventory.load(path, environment: ["HOME": "/h"], files: .skip)
            let lab = try found.entries.first?.cluster.get()
            #expect(lab?.identityFile == "/h/k")
            try writeFile(path, "templates: {small: {nodes: 2}}")
            let none = try Inventory.load(path, environment: [:])
            #expect(none.entries.isEmpty)
            try writeFile(path, "clusters: {")
            #expect { try Inventory.load(path, environment: [:]) } throws: {
                ($0 as? SallyError)?.message.hasPrefix("\(path):") == true
            }
        }
    }
}
