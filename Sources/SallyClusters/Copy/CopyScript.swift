// SPDX-License-Identifier: Apache-2.0

/// What runs on the node for `put` and `get`, as the user: bash(1) with arguments as data.
///
/// A user may put links and folders wherever the user may write. As the user that does no harm. Root goes into a folder
/// step by step and through nobody's links but root's own, and works in drafts that only root can change.
enum CopyScript {
    /// What `look` says of a destination, and `find` of a source.
    enum Place: String {
        /// A folder, into which things go.
        case folder
        /// A file, or for a destination something that is not there in a folder that is.
        case file
        case absent
    }

    /// The exit status where a link is not followed.
    static let refusedLink: Int32 = 3

    /// `DESTINATION one|many`: the kind of place, on a line.
    static let look =
        enter + """
            destination=$1
            slashless=${destination%"${destination##*[!/]}"}
            : "${slashless:=/}"
            if [ -d "$destination" ]; then
                enter "$destination"
                echo folder
            elif [ "$2" = many ] || [ "$slashless" != "$destination" ]; then
                if [ -e "$destination" ]; then echo file; else echo absent; fi
            elif [ -d "$(dirname -- "$slashless")" ]; then
                enter "$(dirname -- "$slashless")"
                echo file
            else
                echo absent
            fi
            """

    /// `SOURCE...`: for each the kind and the bytes in it, on a line.
    static let find =
        enter + """
            for source; do
                if [ -d "$source" ]; then kind=folder
                elif [ -e "$source" ] || [ -L "$source" ]; then kind=file
                else
                    echo absent
                    continue
                fi
                (
                    reach "$source"
                    total=0
                    while read -r bytes; do total=$((total + bytes)); done \
                        < <(find -H "./$name" -type f -printf '%s\n' 2>/dev/null)
                    echo "$kind $total"
                )
            done
            """

    /// `FOLDER NAME DRAFT`: takes a tar stream of one file or folder from standard input and leaves it in FOLDER as NAME;
    /// meanwhile it is in a folder DRAFT there.
    ///
    /// A file appears whole or not at all, with the mode that it had, less the bits that change who a program runs as.
    /// A folder that is there gets what is new in it.
    static let receive =
        enter + """
            enter "$1"
            name=$2
            umask 077
            draft=$3
            mkdir -m 0700 -- "./$draft" 2>/dev/null || { echo "$1 cannot be written to" >&2; exit 1; }
            trap 'cd ..; rm -rf -- "./$draft"' EXIT
            trap 'exit 130' INT TERM HUP PIPE
            cd -P -- "./$draft"
            # Whoever may write to the folder may have put another in the draft's place.
            [ "$(stat -c %u:%a .)" = "$(id -u):700" ] || { trap - EXIT; echo "the draft was exchanged" >&2; exit 5; }
            (umask 0; exec tar --extract --file - --no-same-owner --no-same-permissions)
            shopt -s nullglob dotglob
            made=(*)
            [ ${#made[@]} -eq 1 ] || { echo "the copy is not complete" >&2; exit 5; }
            if [ -d "$made" ] && [ ! -L "$made" ] && [ -d "../$name" ] && [ ! -L "../$name" ]; then
                if [ "$(id -u)" = 0 ] && [ "$(stat -c %u "../$name")" != 0 ]; then
                    echo "$name is a folder of a user: root copies nothing into it; name the user with -u" >&2
                    exit \(refusedLink)
                fi
                cp --archive --link --force --no-target-directory -- "$made" "../$name"
            else
                mv --force --no-target-directory -- "$made" "../$name"
            fi
            """

    /// `FOLDER DRAFT`: removes what a copy left that was given up.
    static let tidy =
        enter + """
            enter "$1"
            rm -rf -- "./$2"
            """

    /// `SOURCE`: writes a tar stream of it to standard output.
    static let send =
        enter + """
            reach "$1"
            if [ -L "$name" ]; then
                source=$(realpath -- "$name")
                cd -P -- "$(dirname -- "$source")"
                name=$(basename -- "$source")
            fi
            exec tar --create --file - --format=gnu -- "./$name"
            """

    /// `enter FOLDER` goes there; as root through no link that somebody else has made or may exchange on the way.
    /// `reach PATH` goes to the folder that it is in, and leaves its last part in `name`.
    private static let enter = """
        set -eu
        refuse() {
            echo "$1 is a link of a user, and root follows none: name the user with -u" >&2
            exit \(refusedLink)
        }
        enter() {
            if [ "$(id -u)" != 0 ]; then
                cd -P -- "$1" 2>/dev/null || { echo "$1 cannot be entered" >&2; exit 1; }
                return
            fi
            local rest=$1 part seen
            case $rest in /*) cd / ;; esac
            while [ -n "$rest" ]; do
                part=${rest%%/*}
                case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
                [ -n "$part" ] || continue
                if [ -L "./$part" ]; then
                    [ "$(stat -c %u -- "./$part")" = 0 ] || refuse "$part"
                    seen=$(stat -L -c %d:%i -- "./$part")
                else
                    seen=$(stat -c %d:%i -- "./$part")
                fi
                cd -P -- "./$part"
                [ "$(stat -c %d:%i .)" = "$seen" ] || refuse "$part"
            done
        }
        reach() {
            local path
            path=$(realpath --no-symlinks -- "$1")
            enter "$(dirname -- "$path")"
            name=$(basename -- "$path")
            if [ "$(id -u)" = 0 ] && [ -L "$name" ] && [ "$(stat -c %u -- "$name")" != 0 ]; then refuse "$name"; fi
        }

        """
}
