/**
 * The kernel's network configuration: messages for links, addresses, routes and nf_tables, which
 * can be made without a socket, and sockets to exchange them.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.linux.netlink;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
