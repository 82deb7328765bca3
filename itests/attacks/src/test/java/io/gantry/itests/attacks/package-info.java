/**
 * Attacks on an engine from outside: what an image, a client, an archive or a process in a
 * container may try. Each names what it stands for and what must hold; each is known to fail on a
 * careless engine, a container without its guards, or a peer.
 */
@NullMarked
package io.gantry.itests.attacks;

import org.jspecify.annotations.NullMarked;
