#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Strips an installed program (install -s --strip-program). .dynsym stays, as strip never removes what is loaded: the program is
# linked with -rdynamic, so the models' locks keep their names.
exec strip --strip-all --remove-section=.comment "$@"
