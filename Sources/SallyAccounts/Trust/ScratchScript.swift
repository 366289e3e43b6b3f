// SPDX-License-Identifier: Apache-2.0

/// Functions that make users' folders on a machine's own disk, and links to them.
enum ScratchScript {
    /// What is there is left as it is: its owner was given once, and is not given again to all that lies in it.
    static let library = #"""
        # make_scratch: name, uid, folder, link (or -) of each.
        make_scratch() {
            local rows name uid folder link parent have there made=
            local -A fit=() is=()
            rows=$(cat)
            while IFS=$'\t' read -r name uid folder link; do
                for parent in "${folder%/*}" "${link%/*}"; do
                    [ "$parent" != - ] && [ -z "${fit[$parent]-}" ] || continue
                    [ -e "$parent" ] || (umask 022; mkdir -p -- "$parent")
                    roots_own "$parent" && fit[$parent]=yes || fit[$parent]=no
                done
            done <<<"$rows"
            while IFS=$'\t' read -r name uid folder link; do
                [ -z "${spoiled[$name]-}" ] || continue
                if [ "${fit[${folder%/*}]}" = no ]; then
                    spoil "$name" scratch "others than root can write to ${folder%/*}"
                elif [ "$link" != - ] && [ "${fit[${link%/*}]}" = no ]; then
                    spoil "$name" scratch "others than root can write to ${link%/*}"
                else
                    made+=$name$'\t'$uid$'\t'$folder$'\t'$link$'\n'
                fi
            done <<<"$rows"
            made=${made%$'\n'}
            [ -n "$made" ] || return 0
            # Beside its place first: what is there already, a mounted disk perhaps, gets no other owner.
            cut -f3 <<<"$made" | sed 's,/[^/]*$,,' | sort -u | while IFS= read -r parent; do
                rm -rf --one-file-system -- "$parent/.sallyport-new" && mkdir -m 0700 -- "$parent/.sallyport-new"
            done
            there=$(cut -f3 <<<"$made" | xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 -printf "%p\n"' sh 2>/dev/null)
            while IFS=$'\t' read -r name uid folder link; do
                case $'\n'$there$'\n' in *$'\n'"$folder"$'\n'*) continue ;; esac
                mkdir -m 0700 -- "${folder%/*}/.sallyport-new/${folder##*/}" && chown -h "$uid:$uid" -- "${folder%/*}/.sallyport-new/${folder##*/}" &&
                    mv -nT -- "${folder%/*}/.sallyport-new/${folder##*/}" "$folder"
            done <<<"$made" 2>/dev/null
            while IFS=$'\t' read -r folder have; do is[$folder]=$have; done \
                < <(cut -f3,4 <<<"$made" | tr '\t' '\n' | grep -vx -e - | xargs -r -d '\n' sh -c 'find "$@" -maxdepth 0 \( -lname "*[![:print:]]*" -printf "%p\t%y%U ?\n" -o -printf "%p\t%y%U %l\n" \)' sh 2>/dev/null)
            while IFS=$'\t' read -r name uid folder link; do
                if [ "${is[$folder]-}" != "d$uid " ]; then
                    spoil "$name" scratch "$folder is there and is not a folder of uid $uid"
                elif [ "$link" = - ] || [ "${is[$link]-}" = "l0 $folder" ] ||
                    { [ -z "${is[$link]-}" ] && ln -sT -- "$folder" "$link" 2>/dev/null; }; then
                    report scratch done "$folder" "$name"
                else
                    spoil "$name" scratch "$link is there and does not lead to $folder"
                fi
            done <<<"$made"
            cut -f3 <<<"$made" | sed 's,/[^/]*$,,' | sort -u | while IFS= read -r parent; do
                rm -rf --one-file-system -- "$parent/.sallyport-new"
            done
        }

        """#
}
