// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing

@testable import ClusterCommands

@Suite struct StarClusterSpellingTests {
    @Test(arguments: [
        ("runplugin createusers mycluster", "runplugin createusers mycluster"),
        ("-c f rp createusers mycluster", "rp --config f createusers mycluster"),
        ("-d -r us-west-2 --config f lc", "lc --config f"),
        ("listclusters", "listclusters"), ("lc mycluster", "lc mycluster"),
        ("start mycluster", "start mycluster"), ("start -c small mycluster", "start --template small mycluster"),
        ("-c f start -x -c small mycluster", "start --config f -x --template small mycluster"),
        ("terminate -c mycluster", "terminate --yes mycluster"), ("stop --confirm mycluster", "stop mycluster"),
        ("removenode -c mycluster node002", "removenode --yes mycluster node002"),
        ("rn --confirm -n 2 mycluster", "rn --yes -n 2 mycluster"),
        ("-c f addnode -n 2 -a a,b mycluster", "addnode --config f -n 2 -a a,b mycluster"),
        ("sn -u user007 mycluster node002 ls -c", "sn -u user007 mycluster node002 ls -c"),
        ("start help", "start --help"), ("", ""), ("--version", "--version"),
    ]) func translates(_ theirs: String, _ ours: String) {
        let words = StarClusterSpelling.translate(theirs.split(separator: " ").map(String.init))
        #expect(words == ours.split(separator: " ").map(String.init))
    }

    /// What comes out is a command that there is, with options that it has.
    @Test(arguments: [
        "runplugin createusers c", "rp createusers c", "lc", "listclusters c", "start -c small c", "start -x c",
        "terminate -c c", "stop -c c", "stop c", "restart c", "reboot c", "sm c", "sn -u u c 1", "-c f get c a b",
        "put c a b", "addnode c", "an -n 3 c", "addnode -a node009,node010 c", "addnode --alias a --num-nodes 1 c",
        "removenode c node001", "rn -c -f -n 2 c", "removenode -a node001 c", "removenode --force c node001 node002",
    ]) func isUnderstood(_ theirs: String) throws {
        let words = StarClusterSpelling.translate(theirs.split(separator: " ").map(String.init))
        _ = try ClusterCommand.parseAsRoot(words)
    }

    @Test func whatIsToldActsOnNoTerminal() {
        #expect(Surroundings.harmless("a\u{1b}[2J\r\u{9b}b\nc ä") == "a?[2J??b\nc ä")
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

@Suite struct BarsTests {
    private static func written(_ counts: [Int], onTerminal: Bool) -> [String] {
        var bars = Bars()
        return counts.compactMap { bars.next($0, of: 2, onTerminal: onTerminal) }
    }

    /// The last one too.
    @Test func eachIsWrittenOnce() {
        let written = Self.written([0, 1, 1, 2, 2], onTerminal: true)
        #expect(written.count == 3)
        #expect(written.allSatisfy { $0.hasPrefix("\r") })
        #expect(written.map { $0.hasSuffix("\n") } == [false, false, true])
    }

    @Test func offATerminalNoneIs() {
        #expect(Self.written([0, 1, 2, 2], onTerminal: false) == ["2/2 100%\n"])
    }

    @Test func aHeadingBeginsALine() {
        var bars = Bars()
        _ = bars.next(1, of: 2, onTerminal: true)
        let ended = [bars.end(), bars.end()]
        #expect(ended == [true, false])
        _ = bars.next(2, of: 2, onTerminal: true)
        let full = bars.end()
        #expect(!full)
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
