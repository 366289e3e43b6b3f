// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import Testing

@testable import SallyClusters

@Suite struct ResourcesTests {
    @Test func theVariableComesFirst() async throws {
        try await withScratchFolder { root in
            let resources = Resources(environment: ["SALLYPORT_TEMPLATES": root], executable: "/usr/bin/sally-cluster")
            let found = try resources.folder(.templates)
            #expect(found == root)
        }
    }

    @Test func aVariableThatNamesNothingIsRefused() {
        let resources = Resources(environment: ["SALLYPORT_IMAGES": "/no/such/folder"], executable: "/usr/bin/x")
        #expect(throws: SallyError.self) { try resources.folder(.images) }
    }

    @Test func installedProgramsLookBesideThemselves() async throws {
        try await withScratchFolder { root in
            try Disk.makePath("\(root)/share/sallyport/images")
            let resources = Resources(environment: [:], executable: "\(root)/bin/sally-cluster")
            #expect(try resources.folder(.images) == "\(root)/share/sallyport/images")
        }
    }

    @Test func builtProgramsLookInTheirCheckout() async throws {
        try await withScratchFolder { root in
            try Disk.makePath("\(root)/images")
            try Disk.makePath("\(root)/.build/debug/images")
            try writeFile("\(root)/Package.swift", "")
            let resources = Resources(environment: [:], executable: "\(root)/.build/debug/sally-cluster")
            #expect(try resources.folder(.images) == "\(root)/images")
            #expect(throws: SallyError.self) { try resources.folder(.templates) }
        }
    }

    @Test(arguments: ["nosuch", "../demo", "", "Demo"]) func anUnknownTemplateNamesTheKnown(_ name: String) async throws
    {
        try await withScratchFolder { root in
            try writeFile("\(root)/demo.yaml", "nodes: 1\n")
            let resources = Resources(environment: ["SALLYPORT_TEMPLATES": root], executable: "/usr/bin/x")
            #expect(try resources.template("demo").nodes == 1)
            #expect {
                _ = try resources.template(name)
            } throws: { ($0 as? SallyError)?.code == .notFound && ($0 as? SallyError)?.hint == "there are: demo" }
        }
    }

    @Test(arguments: [("demo", DebianRelease.debian12), ("demo13", .debian13)])
    func ourOwnTemplatesAreRight(_ name: String, _ release: DebianRelease) throws {
        let checkout = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let resources = Resources(
            environment: ["SALLYPORT_TEMPLATES": "/\(checkout)/templates"], executable: "/usr/bin/x")
        let template = try resources.template(name)
        #expect(template.release == release && template.nodes == 2 && template.gpuNodes == 1)
    }
}
