// SPDX-License-Identifier: Apache-2.0

import SlurmModel

/// What `sally submit --help` says after its first line.
enum SubmissionHelp {
    static let text = """
        The script is a file, standard input, or --wrap="COMMAND". Options are
        sbatch's, in its spelling, here (before the script) and in #SBATCH lines;
        what is said here wins. Offered:
        \(options)

        Of sally alone:
          --follow       wait, say why it waits, show its output, exit as the job;
                         of an array: say how each task ended, exit as the worst
          --test-only    say whether it would be accepted; submit nothing
          --parsable     print the number alone
          --export=LIST  variables to send: NAME, NAME=VALUE, ALL. Unlike sbatch,
                         nothing is sent without it; ALL leaves out secrets, PATH
                         and what else belongs to this machine
          --idempotency-key=KEY
                         submit the same job again without making a second one
          --context=NAME, -M, --cluster=NAME, --json

        Prints `Submitted batch job N` and nothing else on standard output.
        """

    private static var options: String {
        let names =
            JobField.allCases.map { "--" + $0.rawValue.map { $0 == "_" ? "-" : String($0) }.joined() } + [
                "--no-requeue"
            ]
        var lines: [String] = []
        var line = " "
        for name in names.sorted() {
            if line.count + name.count > 76 {
                lines.append(line)
                line = " "
            }
            line += " \(name)"
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
