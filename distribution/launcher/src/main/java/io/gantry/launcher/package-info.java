/**
 * Starts the engine: takes the data root, connects the jars on the class path as bundles and starts
 * what the features list. Not a bundle; nothing imports it.
 */
@NullMarked
package io.gantry.launcher;

import org.jspecify.annotations.NullMarked;
