// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ClusterCommands

@Suite struct StarClusterSpellingTests {
    @Test(arguments: [
        ("runplugin createusers mycluster", "runplugin createusers mycluster"),
        ("-c f rp createusers mycluster", "runplugin --config f createusers mycluster"),
        ("-d -r us-west-2 --config f lc", "list --config f"),
        ("listclusters", "list"), ("lc mycluster", "list mycluster"),
        ("start mycluster", "start mycluster"), ("start -c small mycluster", "start --template small mycluster"),
        ("-c f start -x -c small mycluster", "start --config f -x --template small mycluster"),
        ("terminate -c mycluster", "terminate --yes mycluster"), ("stop --confirm mycluster", "stop --yes mycluster"),
        ("sn -u user007 mycluster node002 ls -c", "sshnode -u user007 mycluster node002 ls -c"),
        ("start help", "start --help"), ("", ""), ("--version", "--version"),
    ]) func translates(_ theirs: String, _ ours: String) {
        let words = StarClusterSpelling.translate(theirs.split(separator: " ").map(String.init))
        #expect(words == ours.split(separator: " ").map(String.init))
    }
}

@Suite struct AnnouncerTests {
    @Test(arguments: [
        (0, 30, "0/30 |", "|   0%  "), (7, 30, "7/30 |||", "|  23%  "), (30, 30, "30/30 |||", "| 100%  "),
    ])
    func barsHave79Columns(done: Int, total: Int, begin: String, end: String) {
        let bar = Announcer.bar(done, of: total)
        #expect(bar.count == 79)
        #expect(bar.hasPrefix(begin) && bar.hasSuffix(end), "\(bar)")
        // What is not done is not shown as done.
        let marks = bar.dropFirst(begin.prefix { $0 != "|" }.count).filter { $0 == "|" }.count - 2
        #expect((marks == 0) == (done == 0))
    }
}

@Suite struct StartWordsTests {
    @Test func aNameOrATemplateAndAName() throws {
        #expect(try StartCommand.meaning(of: ["c"], template: nil) == ("c", nil))
        #expect(try StartCommand.meaning(of: ["t", "c"], template: nil) == ("c", "t"))
        #expect(try StartCommand.meaning(of: ["c"], template: "t") == ("c", "t"))
        for (words, template) in [([], nil), (["a", "b", "c"], nil), (["a", "b"], "t")] as [([String], String?)] {
            #expect(throws: (any Error).self) { try StartCommand.meaning(of: words, template: template) }
        }
    }
}
