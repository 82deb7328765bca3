/** Signs requests to a vendor's registry. */
@NullMarked
package com.example.registry.signed;

import org.jspecify.annotations.NullMarked;
