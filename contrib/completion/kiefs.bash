# bash completion for kiefs(1). The options are those that `kiefs --help` lists.

# What `kiefs --help` says: "-f", "--demo", "name=KIND", and commands, as "top".
_kiefs_help() {
	"$1" --help 2>/dev/null | awk '
		/^ +kiefs [a-z]/ { print $2 }
		/^  -/ { sub(/  +[^ -].*/, ""); gsub(/,/, ""); gsub(/ +/, "\n"); print }
		/^  [a-z_]+=/ { print $1 }'
}

# Makes answers of the words on standard input that begin with $1, behind $2. Readline replaces
# only what follows the last "=" or ":", where these divide words.
_kiefs_answer() {
	local word=$2$1 rest=$2$1 candidate
	[[ $COMP_WORDBREAKS == *=* ]] && rest=${rest##*=}
	[[ $COMP_WORDBREAKS == *:* ]] && rest=${rest##*:}
	while IFS= read -r candidate; do
		[[ $candidate == "$1"* ]] || continue
		candidate=$2$candidate
		COMPREPLY+=("${candidate#"${word%"$rest"}"}")
	done
}

# A command or a mount point; after a command, any file.
_kiefs_names() {
	local commands
	commands=$(_kiefs_help "$1" | grep '^[a-z]*$')
	if ((COMP_CWORD > 1)) && grep -qxF -- "${COMP_WORDS[1]}" <<<"$commands"; then
		compgen -f -- "${COMP_WORDS[COMP_CWORD]}"
	else
		compgen -d -- "${COMP_WORDS[COMP_CWORD]}"
		((COMP_CWORD > 1)) || echo "$commands"
	fi
}

_kiefs() {
	local line=${COMP_LINE:0:COMP_POINT} word before item name kind
	word=${line##*[[:space:]]}
	before=${line%"$word"}
	before=${before%"${before##*[![:space:]]}"}
	COMPREPLY=()
	if [[ $before != *[[:space:]]-o && $word != -o* ]]; then
		if [[ $word == -* ]]; then
			_kiefs_answer "$word" "" < <(
				echo -o
				_kiefs_help "$1" | grep '^-'
			)
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(_kiefs_names "$1")
		fi
		return
	fi
	item=${word##*,}
	[[ $word == -o* && $item == "$word" ]] && item=${word#-o}
	if [[ $item != *=* ]]; then
		compopt -o nospace
		_kiefs_answer "$item" "${word%"$item"}" < <(
			_kiefs_help "$1" | sed -n 's/^\([a-z_]*=\).*/\1/p'
			printf '%s\n' allow_other allow_root auto_unmount fsname= max_read= noatime
		)
		return
	fi
	name=${item%%=*}
	item=${item#*=}
	kind=$(_kiefs_help "$1" | sed -n "s/^$name=//p")
	case $kind in
	PATH)
		compopt -o filenames
		_kiefs_answer "$item" "${word%"$item"}" < <(compgen -f -- "$item")
		;;
	*\|*)
		_kiefs_answer "$item" "${word%"$item"}" < <(tr '|' '\n' <<<"$kind")
		;;
	esac
}

complete -F _kiefs kiefs
