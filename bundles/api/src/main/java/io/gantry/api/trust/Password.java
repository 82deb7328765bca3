package io.gantry.api.trust;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * Passwords as they are kept: {@code pbkdf2:<rounds>:<salt>:<hash>} (PBKDF2 with HMAC-SHA-256). A
 * check takes a while on purpose.
 */
public final class Password {

  private static final Pattern FORM =
      Pattern.compile("pbkdf2:([1-9]\\d{3,6}):([A-Za-z0-9_-]{22,}):([A-Za-z0-9_-]{43})");
  private static final int ROUNDS = 100_000;
  private static final int SALT_BYTES = 16;
  private static final int HASH_BITS = 256;

  private Password() {}

  /** A new password that nobody can guess: 26 letters and digits. */
  public static String random() {
    String letters = "abcdefghijkmnpqrstuvwxyz23456789";
    var random = new SecureRandom();
    var text = new StringBuilder();
    for (int i = 0; i < 26; i++) {
      text.append(letters.charAt(random.nextInt(letters.length())));
    }
    return text.toString();
  }

  public static String hash(String password) {
    byte[] salt = new byte[SALT_BYTES];
    new SecureRandom().nextBytes(salt);
    return "pbkdf2:" + ROUNDS + ":" + text(salt) + ":" + text(derive(password, salt, ROUNDS));
  }

  public static boolean isHash(String text) {
    return FORM.matcher(text).matches();
  }

  /** False as well when {@code hash} is none. */
  public static boolean matches(String password, String hash) {
    var parts = FORM.matcher(hash);
    if (!parts.matches()) {
      return false;
    }
    byte[] salt = Base64.getUrlDecoder().decode(parts.group(2));
    String right = parts.group(3);
    String given = text(derive(password, salt, Integer.parseInt(parts.group(1))));
    return MessageDigest.isEqual(right.getBytes(UTF_8), given.getBytes(UTF_8));
  }

  private static String text(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static byte[] derive(String password, byte[] salt, int rounds) {
    try {
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
          .generateSecret(new PBEKeySpec(password.toCharArray(), salt, rounds, HASH_BITS))
          .getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has PBKDF2WithHmacSHA256", e);
    }
  }
}
