//! The node as a library, generic over the seam; names no backend.
