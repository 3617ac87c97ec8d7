# SPDX-License-Identifier: Apache-2.0
# The test rings. Each test speaks TAP; prove runs them all.
