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

    @Test func aFileThatWasNamedHasToBeThere() async throws {
        try await withScratchFolder { folder in
            let path = "\(folder)/c.yaml"
            func located(_ given: String?, _ variable: String?) throws -> String? {
                var environment = ["HOME": folder]
                environment["SALLYPORT_CLUSTERS"] = variable
                return try Inventory.located(given, environment: environment, isRoot: false)
            }
            #expect {
                try located(path, nil)
            } throws: { ($0 as? SallyError)?.message == "config file \(path) does not exist" }
            #expect(throws: SallyError.self) { try located(nil, path) }
            #expect(try located(nil, nil) == nil)
            try writeFile(path, "")
            #expect(try located(path, "/nowhere") == path)
            #expect(try located(nil, path) == path)
            try Disk.makePath("\(folder)/.config/sallyport")
            try writeFile("\(folder)/.config/sallyport/clusters.yaml", "")
            #expect(try located(nil, nil) == "\(folder)/.config/sallyport/clusters.yaml")
        }
    }
}
